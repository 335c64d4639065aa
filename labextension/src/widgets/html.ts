import { Sanitizer } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';

/**
 * A result as the kernel draws it.
 *
 * The kernel escapes what is the user's; it is sanitized again, because an imported backup is of
 * somebody else's making. That takes the kernel's own style away: `style/base.css` has it.
 */
export class ResultWidget extends Widget {
  constructor(html: string) {
    super();
    this.addClass('dfb-Result');
    this.node.tabIndex = 0;
    this.html = html;
  }

  set html(html: string) {
    this.node.innerHTML = new Sanitizer().sanitize(html);
  }
}

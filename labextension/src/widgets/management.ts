import type { ISessionContext } from '@jupyterlab/apputils';
import { OutputAreaModel, SimplifiedOutputArea } from '@jupyterlab/outputarea';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { Message } from '@lumino/messaging';
import { Panel } from '@lumino/widgets';

import type { KernelLink } from '../link';

/**
 * The four-tab panel of `%backup panel`, in the kernel of a notebook or console.
 *
 * It is drawn with the document's own renderers: only they know the widgets of its kernel.
 */
export class ManagementPanel extends Panel {
  constructor(session: ISessionContext, link: KernelLink, rendermime: IRenderMimeRegistry) {
    super();
    this.addClass('dfb-Management');
    this._session = session;
    this._link = link;
    this._output = new SimplifiedOutputArea({
      model: new OutputAreaModel({ trusted: true }),
      rendermime
    });
    this.addWidget(this._output);
    this._draw();
    // The panel of a kernel that was restarted is dead.
    link.sessionStarted.connect(this._draw, this);
  }

  override dispose(): void {
    this._link.sessionStarted.disconnect(this._draw, this);
    super.dispose();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.tabIndex = -1;
    this.node.focus();
  }

  private _draw(): void {
    const kernel = this._session.session?.kernel;
    if (kernel) {
      this._output.future = kernel.requestExecute({ code: '%backup panel', store_history: false });
    }
  }

  private readonly _session: ISessionContext;
  private readonly _link: KernelLink;
  private readonly _output: SimplifiedOutputArea;
}

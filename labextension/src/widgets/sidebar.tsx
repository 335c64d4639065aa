import { ReactWidget, SidePanel } from '@jupyterlab/ui-components';
import type { ITranslator } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import { MessageLoop } from '@lumino/messaging';
import { Widget, type AccordionPanel } from '@lumino/widgets';
import * as React from 'react';

import { Actions } from '../components/Actions';
import { Protection } from '../components/Protection';
import { Storage } from '../components/Storage';
import { Timeline } from '../components/Timeline';
import { backupIcon } from '../icons';
import type { BackupModel } from '../model';
import { SIDEBAR_ID } from '../tokens';
import type { Words } from '../translation';

/** The sidebar: the state of protection, the history, and what it takes on disk. */
export class BackupSidebar extends SidePanel {
  constructor(
    model: BackupModel,
    commands: CommandRegistry,
    words: Words,
    translator: ITranslator | undefined
  ) {
    super({ translator });
    const { trans } = words;
    const props = { model, commands, words };
    this.id = SIDEBAR_ID;
    this.addClass('dfb-Sidebar');
    this.title.icon = backupIcon;
    this.title.caption = trans.__('DataFrame backups');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('DataFrame backups'));
    this.header.addWidget(
      ReactWidget.create(
        <>
          <Protection {...props} />
          <Actions {...props} />
        </>
      )
    );
    this.addWidget(section(trans.__('History'), <Timeline {...props} />));
    this.addWidget(section(trans.__('Storage'), <Storage {...props} />));
    (this.content as AccordionPanel).setRelativeSizes([3, 1]);
    // The header grows and shrinks with what it says, and the sections do not notice by themselves.
    this._observer = new ResizeObserver(() => {
      MessageLoop.postMessage(this.content, Widget.ResizeMessage.UnknownSize);
    });
    this._observer.observe(this.content.node);
  }

  override dispose(): void {
    this._observer.disconnect();
    super.dispose();
  }

  private readonly _observer: ResizeObserver;
}

function section(title: string, content: React.JSX.Element): ReactWidget {
  const widget = ReactWidget.create(content);
  widget.title.label = title;
  widget.addClass('dfb-Section');
  return widget;
}

import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import type { BackupModel } from '../model';
import { day, failure } from '../text';
import type { Words } from '../translation';
import { BackupEntry } from './BackupEntry';
import { Filter } from './Filter';
import { Folded } from './Folded';
import { useModel } from './useModel';
import { useNow } from './useNow';

type Props = { model: BackupModel; commands: CommandRegistry; words: Words };

/** The backups in time order, by day. */
export function Timeline({ model, commands, words }: Props): React.JSX.Element {
  useModel(model);
  const now = useNow();
  const { trans, language } = words;
  const days = model.days;
  const draw = (backup: Parameters<typeof BackupEntry>[0]['backup']): React.JSX.Element => (
    <BackupEntry
      key={backup.id}
      backup={backup}
      elsewhere={backup.notebook !== model.status?.notebook}
      marked={model.marked}
      now={now}
      commands={commands}
      words={words}
    />
  );
  return (
    <div className="dfb-Timeline">
      <Filter model={model} words={words} />
      {model.failure !== null && (
        <p role="alert" className="dfb-Timeline-failure">
          {failure(model.failure, trans)}
        </p>
      )}
      {days.length === 0 && <p className="dfb-Timeline-empty">{empty(model, words)}</p>}
      {days.map(({ key, entries }) => (
        <section key={key} aria-label={day(key, now, language, trans)}>
          <h3 className="dfb-Timeline-day">{day(key, now, language, trans)}</h3>
          <ul className="dfb-Timeline-list">
            {entries.map(entry =>
              'backup' in entry ? (
                draw(entry.backup)
              ) : (
                <Folded key={entry.folded.at(-1)?.id} backups={entry.folded} words={words}>
                  {draw}
                </Folded>
              )
            )}
          </ul>
        </section>
      ))}
    </div>
  );
}

function empty(model: BackupModel, { trans }: Words): string {
  if (!model.isReady) {
    return trans.__('Backups appear here.');
  }
  if (model.query.trim() !== '') {
    return trans.__('No backup matches.');
  }
  return model.scope === 'session'
    ? trans.__(
        'No backup yet. One is made by itself before a cell puts a frame at risk; Quick backup makes one now.'
      )
    : trans.__('No backup yet.');
}

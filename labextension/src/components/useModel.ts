import * as React from 'react';

import type { BackupModel } from '../model';

/** Draw a component again whenever the model changed. */
export function useModel(model: BackupModel): void {
  const [, drawn] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    model.changed.connect(drawn);
    return () => {
      model.changed.disconnect(drawn);
    };
  }, [model]);
}

/** The plugin's id, under which JupyterLab enables, disables and configures it. */
export const PLUGIN_ID = 'dfbackup-jupyter:plugin';

/** The domain of our translations. */
export const TRANSLATION_DOMAIN = 'dfbackup_jupyter';

/** Every command we register. */
export const CommandIDs = {
  quickBackup: 'dfbackup:quick-backup',
  undo: 'dfbackup:undo'
} as const;

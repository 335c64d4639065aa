/** The plugin's id, under which JupyterLab enables, disables and configures it. */
export const PLUGIN_ID = 'dfbackup-jupyter:plugin';

/** The domain of our translations. */
export const TRANSLATION_DOMAIN = 'dfbackup_jupyter';

/** The id of the sidebar's widget. */
export const SIDEBAR_ID = 'dfbackup-sidebar';

/** Every command we register. */
export const CommandIDs = {
  quickBackup: 'dfbackup:quick-backup',
  create: 'dfbackup:create',
  undo: 'dfbackup:undo',
  recover: 'dfbackup:recover',
  redo: 'dfbackup:redo',
  show: 'dfbackup:show',
  manage: 'dfbackup:manage',
  turnOn: 'dfbackup:turn-on',
  auto: 'dfbackup:auto',
  verify: 'dfbackup:verify',
  refresh: 'dfbackup:refresh',
  restore: 'dfbackup:restore',
  look: 'dfbackup:look',
  compare: 'dfbackup:compare',
  mark: 'dfbackup:mark',
  compareMarked: 'dfbackup:compare-marked',
  rename: 'dfbackup:rename',
  pin: 'dfbackup:pin',
  export: 'dfbackup:export',
  delete: 'dfbackup:delete'
} as const;

/** Those that need no backup to act on, as the palette offers them. */
export const GENERAL_COMMANDS = [
  CommandIDs.quickBackup,
  CommandIDs.create,
  CommandIDs.undo,
  CommandIDs.redo,
  CommandIDs.recover,
  CommandIDs.show,
  CommandIDs.manage,
  CommandIDs.turnOn,
  CommandIDs.auto,
  CommandIDs.verify
] as const;

/** Those that act on one backup, in the order of its menu. */
export const BACKUP_COMMANDS = [
  CommandIDs.restore,
  CommandIDs.look,
  CommandIDs.compare,
  CommandIDs.mark,
  CommandIDs.compareMarked,
  CommandIDs.rename,
  CommandIDs.pin,
  CommandIDs.export,
  CommandIDs.delete
] as const;

import type { ISettingRegistry } from '@jupyterlab/settingregistry';

/** What the user can choose in JupyterLab's settings; `schema/plugin.json` describes it. */
export type Settings = { badges: boolean; statusBar: boolean; fold: boolean };

/** Read the settings, now and whenever they change. */
export async function followSettings(
  registry: ISettingRegistry,
  plugin: string,
  apply: (settings: Settings) => void
): Promise<void> {
  const settings = await registry.load(plugin);
  const read = (): void => {
    const { badges, statusBar, fold } = settings.composite;
    apply({ badges: badges !== false, statusBar: statusBar !== false, fold: fold !== false });
  };
  settings.changed.connect(read);
  read();
}

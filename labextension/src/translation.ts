import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';

import vietnamese from './locale/vi.json';
import { TRANSLATION_DOMAIN } from './tokens';

/** The words of the displays, and the language in which dates are written. */
export type Words = { trans: TranslationBundle; language: string };

/** A bundle that takes catalogues, as JupyterLab's own for every language but English. */
type Loading = TranslationBundle & { loadJSON(catalogue: object, domain: string): void };

/**
 * Return the words in the language of the displays.
 *
 * JupyterLab's server offers catalogues only of language packs, which know the extensions that
 * JupyterLab's translators do. Ours comes with us. It is loaded into the bundle that JupyterLab
 * keeps for our domain, so that our menus and settings find it too.
 */
export function words(translator: ITranslator): Words {
  const trans = translator.load(TRANSLATION_DOMAIN);
  const language = translator.languageCode.replace('_', '-');
  if (/^vi\b/i.test(language) && 'loadJSON' in trans) {
    (trans as Loading).loadJSON(vietnamese, TRANSLATION_DOMAIN);
  }
  return { trans, language };
}

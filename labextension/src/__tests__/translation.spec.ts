/// <reference types="vite/client" />
import { nullTranslator, TranslationManager } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import schema from '../../schema/plugin.json';
import catalogue from '../locale/vi.json';
import { words } from '../translation';

const sources = import.meta.glob<string>(
  ['../*.ts', '../*.tsx', '../components/*', '../widgets/*'],
  {
    eager: true,
    query: '?raw',
    import: 'default'
  }
);

async function inLanguage(code: string): Promise<ReturnType<typeof words>> {
  const connector = { fetch: () => Promise.resolve({ data: {} }) };
  const translator = new TranslationManager('', '', undefined, connector as never);
  await translator.fetch(code);
  return words(translator);
}

describe('the catalogue', () => {
  it('has every text of the displays', () => {
    const calls = /trans\.(?:__|_n)\(\s*'((?:[^'\\]|\\.)*)'/g;
    const texts = Object.values(sources).flatMap(source =>
      [...source.matchAll(calls)].map(found => found[1] ?? '')
    );
    expect(texts.length).toBeGreaterThan(100);
    const missing = texts.filter(text => !(text in catalogue));
    expect(missing).toEqual([]);
    const unused = Object.keys(catalogue).filter(
      text => text && !text.includes('\u0004') && !texts.includes(text)
    );
    expect(unused).toEqual([]);
  });

  it('has every text of the settings', () => {
    const settings = [schema, ...Object.values(schema.properties)];
    for (const text of settings.flatMap(({ title, description }) => [title, description])) {
      expect(catalogue).toHaveProperty([`schema\u0004${text}`]);
    }
  });

  it('keeps the places for what is filled in', () => {
    for (const [text, forms] of Object.entries(catalogue)) {
      const places = text.match(/%\d/g)?.sort() ?? [];
      for (const form of Array.isArray(forms) ? forms : []) {
        expect(form.match(/%\d/g)?.sort() ?? [], text).toEqual(places);
      }
    }
  });
});

describe('words', () => {
  it('are Vietnamese in a Vietnamese JupyterLab, with plurals and places', async () => {
    for (const code of ['vi_VN', 'vi']) {
      const { trans, language } = await inLanguage(code);
      expect(trans.__('Quick backup')).toBe('Sao lưu nhanh');
      expect(trans._n('%1 backup', '%1 backups', 12)).toBe('12 bản sao lưu');
      expect(trans._n('%1 backup', '%1 backups', 1)).toBe('1 bản sao lưu');
      expect(trans.__('%1 min ago', 2)).toBe('2 phút trước');
      expect(trans._p('schema', 'Status bar')).toBe('Thanh trạng thái');
      expect(language).toBe(code.replace('_', '-'));
    }
  });

  it('are English elsewhere', async () => {
    expect((await inLanguage('fr_FR')).trans.__('Quick backup')).toBe('Quick backup');
    expect(words(nullTranslator).trans.__('Quick backup')).toBe('Quick backup');
  });
});

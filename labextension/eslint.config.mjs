import eslint from '@eslint/js';
import typescript from 'typescript-eslint';

export default typescript.config(
  { ignores: ['lib', 'node_modules', 'coverage', 'style'] },
  eslint.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}'],
    extends: [typescript.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      eqeqeq: 'error',
      'prefer-const': 'error',
      // Lumino's `signal.connect(this._method, this)` binds it.
      '@typescript-eslint/unbound-method': 'off'
    }
  }
);

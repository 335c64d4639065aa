// What JupyterLab's packages look for as soon as they are loaded, and jsdom does not have.
globalThis.DragEvent ??= class extends MouseEvent {} as typeof DragEvent;
window.matchMedia ??= () =>
  Object.assign(new EventTarget(), { matches: false }) as unknown as MediaQueryList;
globalThis.ResizeObserver ??= class {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
};

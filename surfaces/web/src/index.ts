export { createWeb, type PageSource, type WebOptions } from './server.ts';

/** Folder of the built page (`vite build`), beside the sources in the repository and beside the built code in the package. */
export const assetsFolder = new URL('../assets/', import.meta.url);

import { isBuiltin } from 'node:module';
import { build } from 'vite';

/** What a browser would load for these packages: every file, and every module of Node that one of them asks for. */
export interface BrowserGraph {
  readonly files: readonly string[];
  /** `module <- importer`. */
  readonly builtins: readonly string[];
}

/** Follows all imports, also dynamic ones, from installed packages below `folder`, under the `browser` condition. */
export async function browserGraph(folder: string, entries: readonly string[]): Promise<BrowserGraph> {
  const files = new Set<string>();
  const builtins = new Set<string>();
  const start = '\0entries';
  await build({
    configFile: false,
    root: folder,
    logLevel: 'error',
    resolve: { conditions: ['browser', 'module', 'import', 'default'] },
    build: { write: false, minify: false, rollupOptions: { input: start } },
    plugins: [
      {
        name: 'walk',
        enforce: 'pre',
        resolveId(source, importer) {
          if (source === start) return start;
          if (!isBuiltin(source)) return null;
          builtins.add(`${source} <- ${importer}`);
          return { id: source, external: true };
        },
        load(id) {
          if (id === start)
            return entries.map((entry, i) => `export * as e${i} from ${JSON.stringify(entry)};`).join('\n');
          files.add(id.split('?')[0]!);
          return null;
        },
      },
    ],
  });
  return { files: [...files].sort(), builtins: [...builtins].sort() };
}

export { createMemory, type Memory, type MemoryOptions } from './memory.ts';
export { MAX_ENTRIES, MAX_LISTED, MAX_VERSIONS } from './store/entries.ts';
export { type MemoryDatabase, openMemory } from './store/open.ts';
export { MAX_SUGGESTIONS } from './store/suggestions.ts';
export { MAX_QUERY, MAX_WORDS } from './store/words.ts';

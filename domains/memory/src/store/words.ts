import { fail } from '@caponier/protocol/errors';

/** Words in one search. */
export const MAX_WORDS = 16;

/** Characters of a search. */
export const MAX_QUERY = 512;

/**
 * A full-text expression that asks for entries with every word, the last one as a beginning. Every word is quoted: the
 * words of a search are never operators, column filters or syntax errors of the index. Throws `memory.bad_query`.
 */
export function matchOf(query: string): string {
  if (query.length > MAX_QUERY) throw fail('memory.bad_query', 'too long');
  const words = query.split(/[^\p{L}\p{N}\p{M}]+/u).filter((word) => word.length > 0);
  if (words.length === 0 || words.length > MAX_WORDS) throw fail('memory.bad_query', `${words.length} words`);
  return `${words.map((word) => `"${word}"`).join(' ')}*`;
}

/**
 * Text of a peer, for a terminal.
 *
 * Threat: control characters move the cursor, rewrite what stands above, set titles, answer queries with typed input;
 * bidirectional overrides and invisible characters make a text look like another. Measure: each becomes its code point
 * in angle brackets. Line ends and tabs stay where the caller says so. What remains: letters that look alike.
 */
export function printable(text: string, options: { readonly lines?: boolean } = {}): string {
  const kept = options.lines ? '\n\t' : '';
  return text.replace(unsafe, (character) => {
    if (kept.includes(character)) return character;
    return `<U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}>`;
  });
}

/** Controls, format characters (among them all bidirectional ones), line and paragraph separators, unpaired surrogates, private use, unassigned. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;

/**
 * What a text is, most telling first: a text with a token and an e-mail address is a `credential`. `plain` means that
 * every detector understood the text and none found anything; `unknown` that it could not be judged.
 */
export const categories = ['credential', 'health', 'financial', 'identity', 'contact', 'unknown', 'plain'] as const;
export type Category = (typeof categories)[number];

/** `safe` may be shown and stored like any text; everything else is `sensitive`. */
export type Tier = 'safe' | 'sensitive';

/** Where something was found and what kind it is, never the text itself: a verdict can be logged and sent on. */
export interface Finding {
  /** `category.name`, for instance `credential.github_token`. */
  readonly type: string;
  /** First UTF-16 code unit, as `String.slice` counts. */
  readonly from: number;
  /** One behind the last. */
  readonly to: number;
}

export interface Verdict {
  readonly category: Category;
  readonly tier: Tier;
  readonly findings: readonly Finding[];
}

/** Findings in one verdict; a text with more is told apart from one with fewer by nothing else. */
export const MAX_FINDINGS = 256;

/** Not judged, so not safe. */
export const unknown: Verdict = Object.freeze({ category: 'unknown', tier: 'sensitive', findings: Object.freeze([]) });

function categoryOf(finding: Finding): Category {
  const name = finding.type.slice(0, finding.type.indexOf('.'));
  const known = categories.find((category) => category === name);
  // A detector that names a category nobody knows has still found something.
  return known ?? 'unknown';
}

/** Sums up what the detectors found. */
export function judge(findings: readonly Finding[]): Verdict {
  const seen = new Set<string>();
  const each = findings
    .filter(({ type, from, to }) => {
      const key = `${type}:${from}:${to}`;
      if (seen.has(key)) return false;
      seen.add(key);
      return true;
    })
    .sort((a, b) => a.from - b.from || b.to - a.to || (a.type < b.type ? -1 : 1));
  const found = new Set(each.map(categoryOf));
  const category = categories.find((one) => found.has(one)) ?? 'plain';
  return { category, tier: category === 'plain' ? 'safe' : 'sensitive', findings: each.slice(0, MAX_FINDINGS) };
}

import { lintSource } from '@secretlint/core';
import { secretLintProfiler } from '@secretlint/profiler';
import { rules } from '@secretlint/secretlint-rule-preset-recommend';
import type { Finding } from '../verdict.ts';

/** Its marks would name and time every text in a buffer that any code of this process can read. */
secretLintProfiler.setEnabled(false);

/**
 * Without `filter-comments`: with it, a text that says `secretlint-disable` hides its own secrets, and texts come from
 * agents.
 */
const scanners = rules
  .filter((rule) => !rule.meta.id.endsWith('filter-comments'))
  .map((rule) => ({ id: rule.meta.id, rule }));

/**
 * Tokens of well-known services. The result of secretlint holds the whole text (`sourceContent`) and the matched secret
 * (message and data): only the id of the message and its place leave this function.
 */
export async function credentials(text: string): Promise<Finding[]> {
  const { messages } = await lintSource({
    source: { filePath: 'text', content: text, contentType: 'text' },
    options: { noPhysicFilePath: true, maskSecrets: true, config: { rules: scanners } },
  });
  return messages.map(({ messageId, range }) => ({
    type: `credential.${nameOf(messageId)}`,
    from: range[0],
    to: range[1],
  }));
}

/** `AWSSecretAccessKey`, `GITHUB_TOKEN` and `SLACK-token` in one spelling. */
function nameOf(messageId: string): string {
  return messageId
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
}

import { describe, expect, it } from 'vitest';
import { MAX_WAITING, openDetector } from '../src/detect/detector.ts';

describe('the detector thread', () => {
  it('answers in order, refuses above its bound, and ends', async () => {
    const detector = openDetector();
    const texts = Array.from({ length: MAX_WAITING + 10 }, (_, i) => (i % 2 ? 'a plain text' : `a${i}@example.com`));
    const answers = await Promise.allSettled(texts.map((text) => detector.inspect(text)));
    const categories = answers.map((answer) =>
      answer.status === 'fulfilled' ? answer.value.category : answer.reason.code,
    );
    expect(categories.slice(0, MAX_WAITING)).toEqual(
      texts.slice(0, MAX_WAITING).map((text) => (text.includes('@') ? 'contact' : 'plain')),
    );
    // One is under way while the others wait.
    expect(categories.filter((code) => code === 'classify.busy').length).toBe(9);
    await detector.close();
    await expect(detector.inspect('late')).rejects.toMatchObject({ code: 'classify.busy' });
  });

  it('ends a text that takes too long, says unknown, and goes on with the next', async () => {
    const detector = openDetector({ maxInspectMs: 300 });
    const slow = detector.inspect('1-'.repeat(60_000));
    const next = detector.inspect('a plain text');
    expect(await slow).toEqual({ category: 'unknown', tier: 'sensitive', findings: [] });
    expect((await next).category).toBe('plain');
    await detector.close();
  });

  it('resolves what waits when it is closed', async () => {
    const detector = openDetector();
    const waiting = [detector.inspect('one'), detector.inspect('two')];
    await detector.close();
    expect((await Promise.all(waiting)).map(({ category }) => category)).toEqual(['unknown', 'unknown']);
  });
});

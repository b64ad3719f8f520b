import { expect, it } from 'vitest';
import { errorCatalogue, errorOfProblem, fail, problemOf } from '../src/index.ts';

it('every code goes to a problem and back', () => {
  for (const code of Object.keys(errorCatalogue) as (keyof typeof errorCatalogue)[]) {
    const problem = JSON.parse(JSON.stringify(problemOf(fail(code, 'an internal detail'))));
    expect(problem).toMatchObject({ type: `urn:caponier:${code}`, code, status: errorCatalogue[code].status });
    expect(JSON.stringify(problem)).not.toContain('internal detail');
    expect(errorOfProblem(problem).code).toBe(code);
  }
});

it('whatever is not ours says nothing of itself', () => {
  expect(problemOf(new Error('password=hunter2'))).toMatchObject({ code: 'host.internal', status: 500 });
  for (const body of [undefined, null, 'x', {}, { code: 7 }, { code: 'toString' }, { code: 'made.up' }]) {
    expect(errorOfProblem(body).code).toBe('host.unreachable');
  }
});

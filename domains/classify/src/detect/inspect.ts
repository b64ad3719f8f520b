import { judge, type Verdict } from '../verdict.ts';
import { credentials } from './credentials.ts';
import { keys } from './keys.ts';
import { opaque } from './opaque.ts';
import { people } from './people.ts';
import { personal } from './personal.ts';

/** Every detector over one text. Takes as long as the slowest expression: call it where it can be ended. */
export async function inspect(text: string): Promise<Verdict> {
  return judge([
    ...opaque(text),
    ...keys(text),
    ...people(text),
    ...(await credentials(text)),
    ...(await personal(text)),
  ]);
}

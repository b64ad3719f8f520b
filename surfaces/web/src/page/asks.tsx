import type { Ask } from '../api.ts';

/** What waits for a person's answer. The page shows; `caponier asks` answers, with the key of the approver. */
export function Asks({ asks }: { readonly asks: readonly Ask[] }) {
  return (
    <section aria-labelledby="asks">
      <h2 id="asks">Asks</h2>
      {asks.length === 0 && <p class="quiet">Nobody waits for your answer.</p>}
      {asks.map((ask, i) => (
        <article class="card" key={ask.id}>
          <h3>
            {ask.agent ?? ask.device} asks: {ask.op} <code>{ask.resource}</code>
          </h3>
          <p>“{ask.purpose}”</p>
          <p class="quiet">
            Answer with <code>caponier asks --approve {i + 1}</code> or <code>--deny {i + 1}</code>; open until{' '}
            {new Date(ask.expires * 1000).toLocaleTimeString()}.
          </p>
        </article>
      ))}
    </section>
  );
}

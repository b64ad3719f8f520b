import { openLoop, seededNumbers } from './pace.ts';

/** Whoever sends one message and says when it is durable. */
export type SendMail = (sender: number) => Promise<void>;

/** Messages a second, each sender waiting for one before the next; or the milliseconds each took at that rate. */
export type MailLoad = { readonly milliseconds: number; readonly perSecond?: number };

/** The same load on the relay and on the bare store. */
export async function loadMail(
  send: SendMail,
  senders: number,
  { milliseconds, perSecond }: MailLoad,
): Promise<number | number[]> {
  if (perSecond !== undefined) {
    const times: number[] = [];
    const under: Promise<void>[] = [];
    let next = 0;
    await openLoop(perSecond, { milliseconds }, seededNumbers(7), (due) => {
      under.push(send(next++ % senders).then(() => void times.push(performance.now() - due)));
    });
    await Promise.all(under);
    return times;
  }
  let sent = 0;
  const start = performance.now();
  const end = start + milliseconds;
  const work = async (sender: number) => {
    while (performance.now() < end) {
      await send(sender);
      sent += 1;
    }
  };
  await Promise.all(Array.from({ length: senders }, (_, sender) => work(sender)));
  return (sent * 1000) / (performance.now() - start);
}

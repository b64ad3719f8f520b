/** Until somebody says that it should end: a signal, or the end of the supervisor that started it. */
export function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
    // A supervisor that was killed must not leave its services behind.
    if (process.send) process.once('disconnect', () => resolve());
  });
}

/** From now on a further signal ends the process at once: what was acknowledged is durable already. */
export function endAtOnce(): void {
  const end = () => process.exit(1);
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

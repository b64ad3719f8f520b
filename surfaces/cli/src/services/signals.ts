/** Until somebody says that it should end: a signal, or the end of the supervisor that started it. */
export function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
    // A supervisor that was killed must not leave its services behind.
    if (process.send) process.once('disconnect', () => resolve());
  });
}

/**
 * From now on a further signal ends the process at once: what was acknowledged is durable already. Not where a supervisor
 * looks after us: Ctrl-C, or whoever stops a whole unit, signals it and us, and its own signal is then the second one.
 */
export function endAtOnce(): void {
  const end = process.send ? () => undefined : () => process.exit(1);
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

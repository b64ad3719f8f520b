/** Until somebody says that it should end: a signal, or the end of the supervisor that started it. */
export function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
    // A supervisor that was killed must not leave its services behind.
    if (process.send) process.once('disconnect', () => resolve());
  });
}

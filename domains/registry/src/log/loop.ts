/** Runs a step at most once at a time, and once more when it was asked for meanwhile. The step does not reject. */
export class Loop {
  readonly #step: () => Promise<void>;
  #asked = false;
  #running: Promise<void> | undefined;

  constructor(step: () => Promise<void>) {
    this.#step = step;
  }

  kick(): void {
    this.#asked = true;
    this.#running ??= this.#run();
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#asked) {
      this.#asked = false;
      await this.#step();
    }
    // In the same breath as the last look: a kick cannot fall between.
    this.#running = undefined;
  }
}

import { styleText } from 'node:util';

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 80;

/** What takes a while, told on a terminal's standard error and nowhere else. */
export interface Progress {
  say(text: string): void;
  /** Takes the line away. */
  stop(): void;
}

export function startProgress(text: string): Progress {
  const { stderr } = process;
  if (!stderr.isTTY) return { say: () => {}, stop: () => {} };
  let now = text;
  let frame = 0;
  const draw = () => {
    const width = (stderr.columns ?? 80) - 4;
    const sign = styleText('cyan', frames[frame++ % frames.length]!, { stream: stderr });
    stderr.write(`\r\x1b[2K${sign} ${now.slice(0, width)}`);
  };
  draw();
  const timer = setInterval(draw, frameMs);
  return {
    say: (next) => {
      now = next;
      draw();
    },
    stop: () => {
      clearInterval(timer);
      stderr.write('\r\x1b[2K');
    },
  };
}

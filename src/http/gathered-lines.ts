/**
 * Writes the lines of one turn of the event loop at once: under load the system call for a line costs more than the
 * rest of it. Whatever is still here when the process ends is written then.
 */
export class GatheredLines {
  private lines = '';

  constructor(private readonly stream: NodeJS.WritableStream) {
    process.on('exit', this.flush);
  }

  write(line: string): void {
    if (this.lines === '') setImmediate(this.flush);
    this.lines += line;
  }

  private readonly flush = (): void => {
    const { lines } = this;
    this.lines = '';
    if (lines !== '') this.stream.write(lines);
  };
}

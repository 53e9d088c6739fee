import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** Counts of wrong passwords and codes run out by the machine's own time: the one thing that a clock has to move by hand. */
@Injectable()
export class AttemptsStore {
  constructor(private readonly database: DataSource) {}

  /** Lets so much of every window pass; a negative time gives it back. */
  async letPass(milliseconds: number): Promise<void> {
    await this.database.query('UPDATE attempts SET expire = expire - $1::bigint', [Math.round(milliseconds)]);
  }
}

import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { prepared } from '../database/prepared.js';

/** SQL on the marks by which a replica shows what was done last; raising one leaves every index as it is. */
@Injectable()
export class WriteMarksStore {
  constructor(private readonly database: DataSource) {}

  async raise(sessionId: string): Promise<void> {
    await prepared(
      this.database,
      'write_mark_raise',
      'UPDATE sessions SET write_mark = write_mark + 1 WHERE id = $1',
      [sessionId],
    );
  }

  /** Of every live session that a browser holds by now: it may ask as any of them next. */
  async raiseHeld(browserId: string): Promise<void> {
    await prepared(
      this.database,
      'write_mark_raise_held',
      `WITH held AS (SELECT id FROM sessions WHERE browser_id = $1 AND status = 'active' ORDER BY id FOR UPDATE)
       UPDATE sessions s SET write_mark = s.write_mark + 1 FROM held WHERE s.id = held.id`,
      [browserId],
    );
  }
}

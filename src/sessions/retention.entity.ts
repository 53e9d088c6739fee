import { Check, Column, Entity, PrimaryColumn } from 'typeorm';

/** Who removes what is old at present, and how far it has got: one row, for all instances. */
@Entity('retention')
@Check('retention_one_row', 'id = 1')
export class Retention {
  @PrimaryColumn('smallint', { primaryKeyConstraintName: 'retention_pkey' })
  id: number;

  /** The run that is under way, or was broken off; null when the last one is finished. */
  @Column('text', { nullable: true })
  run: string | null;

  /** When it did its last piece: one that did none for a minute is taken for dead. */
  @Column('timestamp with time zone', { name: 'worked_at', precision: 3, nullable: true })
  workedAt: Date | null;

  /** Sessions up to this id have been looked at in the present run. */
  @Column('bigint', { name: 'session_place' })
  sessionPlace: string;

  @Column('timestamp with time zone', { name: 'finished_at', precision: 3, nullable: true })
  finishedAt: Date | null;
}

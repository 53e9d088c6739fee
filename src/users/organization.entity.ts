import { Column, Entity, PrimaryGeneratedColumn, Unique } from 'typeorm';

/** People who work together; a session may act for one of its user's organisations. */
@Entity('organizations')
@Unique('organizations_slug_unique', ['slug'])
export class Organization {
  /** A 64-bit number as its decimal string. */
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'organizations_pkey',
  })
  id: string;

  @Column('text')
  name: string;

  /** Lower-case letters, digits and hyphens. */
  @Column('text')
  slug: string;

  /** What administrators note of it, shown to its members. */
  @Column('jsonb', { default: {} })
  metadata: Record<string, unknown>;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3 })
  createdAt: Date;

  @Column('timestamp with time zone', { name: 'updated_at', precision: 3 })
  updatedAt: Date;
}

import { Column, Entity, Index, PrimaryGeneratedColumn, Unique } from 'typeorm';

/** A browser, or a native app, that holds several sessions under one credential of its own. */
@Entity('browsers')
@Unique('browsers_token_hash_unique', ['tokenHash'])
@Index('browsers_expires_at', ['expiresAt'])
export class Browser {
  /** A 64-bit number as its decimal string. */
  @PrimaryGeneratedColumn('identity', {
    type: 'bigint',
    generatedIdentity: 'ALWAYS',
    primaryKeyConstraintName: 'browsers_pkey',
  })
  id: string;

  /** SHA-256 of the credential, which changes with every sign-in. */
  @Column('bytea', { name: 'token_hash' })
  tokenHash: Buffer;

  /** The session that was used last in it; it may have ended since. */
  @Column('bigint', { name: 'last_active_session_id', nullable: true })
  lastActiveSessionId: string | null;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3 })
  createdAt: Date;

  @Column('timestamp with time zone', { name: 'updated_at', precision: 3 })
  updatedAt: Date;

  /** A day after its first request, until somebody signs in. */
  @Column('timestamp with time zone', { name: 'expires_at', precision: 3 })
  expiresAt: Date;

  /** The credential, while it may be shown: just minted, or the very one the request came with. No column. */
  token?: string;
}

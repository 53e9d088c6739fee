import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What JWTs are signed with: ours, and those of an API whose verifiers know nothing but RSA. */
export type Algorithm = 'ES256' | 'RS256';

/** One key that signs JWTs. The private half is sealed under SECRET_KEY. */
@Entity('signing_keys')
export class SigningKey {
  /** The RFC 7638 thumbprint of the public key. */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'signing_keys_pkey' })
  kid: string;

  @Column('text')
  algorithm: Algorithm;

  @Column('jsonb', { name: 'public_jwk' })
  publicJwk: Record<string, string>;

  @Column('bytea', { name: 'sealed_private_key' })
  sealedPrivateKey: Buffer;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3 })
  createdAt: Date;

  /** Published before it signs, so that verifiers know it by then. */
  @Column('timestamp with time zone', { name: 'signs_from', precision: 3 })
  signsFrom: Date;

  /** From here on nothing it signed is accepted; null for the newest key. */
  @Column('timestamp with time zone', { name: 'retires_at', precision: 3, nullable: true })
  retiresAt: Date | null;
}

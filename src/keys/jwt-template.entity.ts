import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A named shape of JWT: claims in which `{{user.x}}` and `{{org.x}}` are filled in. */
@Entity('jwt_templates')
export class JwtTemplate {
  @PrimaryColumn('text', { primaryKeyConstraintName: 'jwt_templates_pkey' })
  name: string;

  @Column('jsonb')
  claims: Record<string, unknown>;

  @Column('integer', { name: 'lifetime_seconds' })
  lifetimeSeconds: number;

  @Column('timestamp with time zone', { name: 'created_at', precision: 3 })
  createdAt: Date;

  @Column('timestamp with time zone', { name: 'updated_at', precision: 3 })
  updatedAt: Date;
}

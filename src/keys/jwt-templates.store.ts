import { Injectable } from '@nestjs/common';
import { DataSource, EntityManager, Repository } from 'typeorm';
import { JwtTemplate } from './jwt-template.entity.js';

/** All SQL on `jwt_templates`. */
@Injectable()
export class JwtTemplatesStore {
  private readonly templates: Repository<JwtTemplate>;

  constructor(database: DataSource) {
    this.templates = database.getRepository(JwtTemplate);
  }

  find(name: string): Promise<JwtTemplate | null> {
    return this.templates.findOneBy({ name });
  }

  /** All of them, by name. */
  list(): Promise<JwtTemplate[]> {
    return this.templates.find({ order: { name: 'ASC' } });
  }

  /** Adds a template, or puts it in the place of the one with its name. */
  async put(
    manager: EntityManager,
    draft: Pick<JwtTemplate, 'name' | 'claims' | 'lifetimeSeconds'>,
    now: Date,
  ): Promise<JwtTemplate> {
    const [row] = await manager.query<JwtTemplate[]>(
      `INSERT INTO jwt_templates AS t (name, claims, lifetime_seconds, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $4)
       ON CONFLICT (name) DO UPDATE SET claims = $2, lifetime_seconds = $3, updated_at = $4
       RETURNING t.name, t.claims, t.lifetime_seconds AS "lifetimeSeconds", t.created_at AS "createdAt",
         t.updated_at AS "updatedAt"`,
      [draft.name, JSON.stringify(draft.claims), draft.lifetimeSeconds, now],
    );
    return Object.assign(new JwtTemplate(), row);
  }

  /** @returns whether there was one */
  async remove(manager: EntityManager, name: string): Promise<boolean> {
    const { affected } = await manager.delete(JwtTemplate, { name });
    return affected === 1;
  }
}

import { Injectable } from '@nestjs/common';
import { DataSource, EntityManager, IsNull, MoreThan, type FindOptionsWhere } from 'typeorm';
import { SigningKey } from './signing-key.entity.js';

/** All SQL on `signing_keys`. */
@Injectable()
export class KeysStore {
  constructor(private readonly database: DataSource) {}

  /** Keys that still count, the newest first. */
  unretired(now: Date): Promise<SigningKey[]> {
    return this.database.manager.find(SigningKey, {
      where: unretiredAt(now),
      order: { createdAt: 'DESC', kid: 'ASC' },
    });
  }

  /** Adds a key when there is none of its algorithm; of several instances that start at once, one does. */
  addFirst(key: SigningKey): Promise<void> {
    return this.database.transaction(async (manager) => {
      await manager.query('LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE');
      const { algorithm, createdAt } = key;
      const there = unretiredAt(createdAt).map((condition) => ({ ...condition, algorithm }));
      if ((await manager.countBy(SigningKey, there)) === 0) await manager.insert(SigningKey, key);
    });
  }

  /** Adds the successors of all keys there are; those retire at the given moment, if they did not sooner. */
  async replace(manager: EntityManager, successors: readonly SigningKey[], retiresAt: Date): Promise<void> {
    await manager.query('LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE');
    await manager.query(
      'UPDATE signing_keys SET retires_at = $1 WHERE retires_at IS NULL OR retires_at > $1',
      [retiresAt],
    );
    for (const successor of successors) await manager.insert(SigningKey, successor);
  }
}

function unretiredAt(now: Date): FindOptionsWhere<SigningKey>[] {
  return [{ retiresAt: IsNull() }, { retiresAt: MoreThan(now) }];
}

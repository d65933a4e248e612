import type { Lease } from '../../agent/streams/lease.ts'
import { Pool as RealPool } from '../../agent/streams/pool.ts'
import { poisoned } from './poisoned.ts'

/** The pool that the tests run with: nobody can look at bytes after their release without being noticed, or release them twice. */
export class Pool extends RealPool {
  override leaseNow(): Lease | undefined {
    const lease = super.leaseNow()
    return lease && poisoned(lease)
  }
}

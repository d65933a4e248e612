import { type Identity, parseIdentities } from '../../agent/seal/keys.ts'

/** A key for tests, open to all: 32 times the byte 0x42. It is the example of c2sp.org/age. */
export const TEST_KEY = 'AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX'

export function testIdentity(): Identity {
  return parseIdentities(TEST_KEY)[0] as Identity
}

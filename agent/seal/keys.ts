import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { cannot, sentence } from '../words/cannot.ts'
import { decodeBech32, encodeBech32 } from './bech32.ts'

const RECIPIENT_PREFIX = 'age'
const IDENTITY_PREFIX = 'age-secret-key-'
export const KEY_BYTES = 32
/** DER of an X25519 key up to its 32 bytes: PKCS #8 and SubjectPublicKeyInfo with the OID of RFC 8410. */
const PRIVATE_KEY_START = Buffer.from('302e020100300506032b656e04220420', 'hex')
const PUBLIC_KEY_START = Buffer.from('302a300506032b656e032100', 'hex')

/** Whom to seal to. */
export interface Recipient {
  /** `age1…` */
  readonly text: string
  /** The X25519 public key, 32 bytes. */
  readonly bytes: Buffer
  readonly key: KeyObject
}

/** Who can open what is sealed. Holds its secret in a key object, which does not print. */
export interface Identity {
  readonly key: KeyObject
  readonly recipient: Recipient
}

/** A fresh identity from the system's random source. */
export function generateIdentity(): Identity {
  return identityOf(generateKeyPairSync('x25519').privateKey)
}

/** Reads `age1…`. The error quotes the text, which is public. */
export function parseRecipient(text: string): Recipient {
  const trimmed = text.trim()
  // Somebody who pastes the wrong line must not find the secret in a log.
  if (trimmed.toLowerCase().startsWith(IDENTITY_PREFIX)) {
    throw cannot(
      'seal to a recipient',
      'it is a secret key; name its public key (age1…, printed by `age-keygen -y`) instead',
    )
  }
  try {
    const { prefix, data } = decodeBech32(trimmed)
    if (prefix !== RECIPIENT_PREFIX || data.length !== KEY_BYTES || trimmed !== trimmed.toLowerCase()) {
      throw new Error('only X25519 recipients (age1…, 62 characters) are supported')
    }
    const recipient = recipientFrom(data)
    // Better now than in a capture: the few points of low order cannot be sealed to (RFC 7748, section 6.1).
    sharedSecret(generateKeyPairSync('x25519').privateKey, recipient.key)
    return recipient
  } catch (error) {
    throw cannot(`seal to the recipient ${JSON.stringify(trimmed)}`, sentence(error))
  }
}

/**
 * Reads an identity file as `age-keygen` writes it: one AGE-SECRET-KEY-1… a line, empty lines and `#` comments between.
 * Errors name the line's number and never what is in it.
 */
export function parseIdentities(fileText: string): Identity[] {
  const identities = fileText.split('\n').flatMap((line, index) => {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) return []
    try {
      return [parseIdentity(text)]
    } catch (error) {
      throw cannot(`read line ${index + 1} of the identity file`, sentence(error))
    }
  })
  if (identities.length === 0) {
    throw cannot('read the identity file', 'there is no AGE-SECRET-KEY-1… line in it; `lastgasp keygen` writes one')
  }
  return identities
}

export function recipientOf(identity: Identity): Recipient {
  return identity.recipient
}

/** The secret itself, `AGE-SECRET-KEY-1…`: for the identity file and nowhere else. */
export function secretText(identity: Identity): string {
  const der = identity.key.export({ format: 'der', type: 'pkcs8' })
  return encodeBech32(IDENTITY_PREFIX, der.subarray(PRIVATE_KEY_START.length)).toUpperCase()
}

/** X25519 of RFC 7748; throws when the result is all zero, as age demands. */
export function sharedSecret(privateKey: KeyObject, publicKey: KeyObject): Buffer {
  try {
    return diffieHellman({ privateKey, publicKey })
  } catch (error) {
    throw cannot('agree on a key', `the public key is a point of low order (${sentence(error)})`)
  }
}

/** The raw 32 bytes as a key to agree with. */
export function publicKey(bytes: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([PUBLIC_KEY_START, bytes]), format: 'der', type: 'spki' })
}

/** The raw 32 bytes of a private key's public half. */
export function publicBytes(privateKey: KeyObject): Buffer {
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return der.subarray(PUBLIC_KEY_START.length)
}

function parseIdentity(text: string): Identity {
  const { prefix, data } = decodeBech32(text)
  if (prefix === RECIPIENT_PREFIX) throw new Error('it is a public key; the secret one begins with AGE-SECRET-KEY-1')
  if (prefix !== IDENTITY_PREFIX || data.length !== KEY_BYTES) {
    throw new Error('only X25519 identities (AGE-SECRET-KEY-1…) are supported')
  }
  const der = Buffer.concat([PRIVATE_KEY_START, data])
  return identityOf(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }))
}

function identityOf(key: KeyObject): Identity {
  return { key, recipient: recipientFrom(publicBytes(key)) }
}

function recipientFrom(bytes: Buffer): Recipient {
  return { text: encodeBech32(RECIPIENT_PREFIX, bytes), bytes, key: publicKey(bytes) }
}

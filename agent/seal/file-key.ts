/**
 * The file key and how it is wrapped for X25519 recipients: c2sp.org/age, "The X25519 recipient type".
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  generateKeyPairSync,
  hkdfSync,
  timingSafeEqual,
} from 'node:crypto'
import { base64, type Header, type Stanza, unbase64 } from './header.ts'
import { type Identity, KEY_BYTES, publicBytes, publicKey, type Recipient, sharedSecret } from './keys.ts'
import { SealError } from './seal-error.ts'

export const FILE_KEY_BYTES = 16
const CIPHER = 'chacha20-poly1305'
const TAG_BYTES = 16
export const STANZA_TYPE = 'X25519'
const WRAP_INFO = 'age-encryption.org/v1/X25519'
/** All zero is safe: each wrap key is used once. */
const WRAP_NONCE = Buffer.alloc(12)
const NO_SALT = Buffer.alloc(0)

/** HKDF-SHA-256 with 32 bytes of output: RFC 5869. */
export function derive(secret: Buffer, salt: Buffer, info: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, 32))
}

export function wrapFileKey(fileKey: Buffer, recipient: Recipient): Stanza {
  const ephemeral = generateKeyPairSync('x25519').privateKey
  const share = publicBytes(ephemeral)
  const wrapKey = derive(sharedSecret(ephemeral, recipient.key), Buffer.concat([share, recipient.bytes]), WRAP_INFO)
  const cipher = createCipheriv(CIPHER, wrapKey, WRAP_NONCE, { authTagLength: TAG_BYTES })
  const body = Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()])
  return { type: STANZA_TYPE, args: [base64(share)], body }
}

/** A file key as a stanza has it, wrapped for one recipient; which one, it does not say. */
export interface WrappedKey {
  readonly share: Buffer
  readonly body: Buffer
}

/** What the X25519 stanzas of a header hold, in order. Throws SealError `malformed` where one has the wrong form. */
export function wrappedKeys(header: Header): WrappedKey[] {
  return header.stanzas
    .filter(({ type }) => type === STANZA_TYPE)
    .map(({ args, body }) => {
      const share = args.length === 1 ? unbase64(args[0] as string) : undefined
      if (share?.length === KEY_BYTES && body.length === FILE_KEY_BYTES + TAG_BYTES) return { share, body }
      throw new SealError('malformed', 'cannot open what is sealed: an X25519 stanza of its header has the wrong form')
    })
}

/** Throws SealError `damaged` unless the header is the one that this file key was wrapped in. */
export function checkHeader(header: Header, fileKey: Buffer): void {
  if (timingSafeEqual(headerMac(fileKey, header.authenticated), header.mac)) return
  throw new SealError('damaged', 'cannot open what is sealed: its header was altered after it was written')
}

/** HMAC-SHA-256 over the header, keyed by the file key. */
export function headerMac(fileKey: Buffer, authenticated: Buffer): Buffer {
  return createHmac('sha256', derive(fileKey, NO_SALT, 'header'))
    .update(authenticated)
    .digest()
}

/** The file key, or undefined where it was wrapped for somebody else. Throws SealError `malformed`. */
export function unwrapFileKey({ share, body }: WrappedKey, identity: Identity): Buffer | undefined {
  let secret: Buffer
  try {
    secret = sharedSecret(identity.key, publicKey(share))
  } catch (cause) {
    throw new SealError('malformed', 'cannot open what is sealed: its header holds a key of low order', { cause })
  }
  const wrapKey = derive(secret, Buffer.concat([share, identity.recipient.bytes]), WRAP_INFO)
  const cipher = createDecipheriv(CIPHER, wrapKey, WRAP_NONCE, { authTagLength: TAG_BYTES })
  cipher.setAuthTag(body.subarray(FILE_KEY_BYTES))
  const fileKey = cipher.update(body.subarray(0, FILE_KEY_BYTES))
  try {
    cipher.final()
    return fileKey
  } catch {
    return undefined // made for somebody else: stanzas do not say for whom they are
  }
}

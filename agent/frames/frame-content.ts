import { promisify } from 'node:util'
import zlib from 'node:zlib'
import { FRAME_BYTES, type Marker } from './marker.ts'
import { isZeroFrame, ZEROS } from './zeros.ts'

/** Magic_Number: RFC 8878, section 3.1.1. A skippable frame here would make the decoder go on to what follows. */
const FRAME_MAGIC = 0xfd2fb528
/** Frame_Header_Descriptor and its Content_Checksum_flag: RFC 8878, section 3.1.1.1.1. */
const DESCRIPTOR_AT = 4
const CHECKSUM_FLAG = 0x04
/** A window of FRAME_BYTES: what a frame holds at most needs no larger one, and it is memory that a header asks for. */
const WINDOW_LOG = Math.log2(FRAME_BYTES)
/** Room behind the content, so that the decoder sees the end of a frame without asking for another buffer. */
const SLACK_BYTES = 64

/**
 * The content of one zstd frame, checked against its own checksum and what its marker says; not to be written to, as it may be ZEROS.
 * Throws a plain reason.
 */
export async function frameContent(frame: Buffer, marker: Marker): Promise<Buffer> {
  if (marker.plainLength === FRAME_BYTES && isZeroFrame(frame)) return ZEROS
  if (frame.length < DESCRIPTOR_AT || frame.readUInt32LE(0) !== FRAME_MAGIC) throw new Error('it is no zstd frame')
  if (((frame[DESCRIPTOR_AT] ?? 0) & CHECKSUM_FLAG) === 0) throw new Error('the frame has no checksum')
  const { buffer, engine } = await decompress(frame, {
    chunkSize: marker.plainLength + SLACK_BYTES,
    maxOutputLength: marker.plainLength,
    params: { [zlib.constants.ZSTD_d_windowLogMax]: WINDOW_LOG },
    info: true,
  })
  if (buffer.length !== marker.plainLength) {
    throw new Error(`the frame holds ${buffer.length} bytes and its marker says ${marker.plainLength}`)
  }
  // The decoder stops at the end of the frame, and is silent about what lies behind it.
  if (engine.bytesWritten !== frame.length) throw new Error('the frame is shorter than its marker says')
  return buffer
}

/** With `info`, which the type declarations do not know for this function: content, and the engine that read it. */
const decompress = promisify(zlib.zstdDecompress) as unknown as (
  frame: Buffer,
  options: zlib.ZstdOptions,
) => Promise<{ readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } }>

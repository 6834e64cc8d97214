/**
 * The standard's own CRC-16. It has only 256 reachable values: two different segments often share one, so it never
 * identifies a message, and a right one alone does not prove a value.
 * @source HJ 212-2017, appendix A; "123456789" gives 0x2F80
 */
export function crc212(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc = (crc >> 8) ^ byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >> 1 : (crc >> 1) ^ 0xa001;
  }
  return crc;
}

/** CRC-16/MODBUS, which some stations send instead. */
export function crcModbus(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >> 1 : (crc >> 1) ^ 0xa001;
  }
  return crc;
}

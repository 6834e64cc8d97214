const GIB = 1024 ** 3;
/** A person hears of it while there is still time, and no more once it is well out of reach. */
const NEAR_SHARE = 0.9;
const WELL_SHARE = 0.85;
const NEAR_FACTOR = 2;
const WELL_FACTOR = 2.5;
/** Of a small disk no more than this must stay free, whatever the setting says. */
const FREE_SHARE = 0.05;

/** What the bridge's data takes, and what there is left. */
export interface Room {
  readonly databaseBytes: number;
  readonly evidenceBytes: number;
  /** What the database has room for within its own file. */
  readonly spareBytes: number;
  /** Of the disk with the state folder; undefined: it does not say. */
  readonly diskFreeBytes: number | undefined;
  readonly diskBytes: number | undefined;
}

export interface RoomLimits {
  /** Database and evidence together; undefined: as much as there is. */
  readonly budgetBytes: number | undefined;
  readonly minFreeBytes: number;
  /** The database lies on that disk too: what it drops is room there. */
  readonly isDatabaseHere: boolean;
}

export interface RoomVerdict {
  /** Records must go before their time. */
  readonly isShort: boolean;
  /** A person must hear of it. */
  readonly near: string | undefined;
  /** Far enough that the fault is over. */
  readonly isWell: boolean;
}

export function judgeRoom(room: Room, { budgetBytes, minFreeBytes, isDatabaseHere }: RoomLimits): RoomVerdict {
  const usedBytes = room.databaseBytes + room.evidenceBytes;
  const share = budgetBytes === undefined ? 0 : usedBytes / budgetBytes;
  const leftBytes =
    room.diskFreeBytes === undefined
      ? Number.POSITIVE_INFINITY
      : room.diskFreeBytes + (isDatabaseHere ? room.spareBytes : 0);
  const leastBytes = Math.min(minFreeBytes, (room.diskBytes ?? Number.POSITIVE_INFINITY) * FREE_SHARE);
  const near = [
    ...(share > NEAR_SHARE ? [`budget > ${NEAR_SHARE * 100} %`] : []),
    ...(leftBytes < leastBytes * NEAR_FACTOR ? [`disk < ${((leastBytes * NEAR_FACTOR) / GIB).toFixed(1)} GiB`] : []),
  ];
  return {
    isShort: share > 1 || (isDatabaseHere && leftBytes < leastBytes),
    near: near.length === 0 ? undefined : near.join(", "),
    isWell: share < WELL_SHARE && leftBytes > leastBytes * WELL_FACTOR,
  };
}

import { signal } from "@preact/signals";
import type { GeoPoint } from "../../../api/schema/common.ts";
import { call } from "../api/client.ts";

export type PositionState = "asking" | "sending" | "refused" | "none";

export const positionState = signal<PositionState>("none");
export const lastPosition = signal<GeoPoint | undefined>(undefined);

const SEND_EVERY_MS = 10_000;

/** Sends this phone's position while the page is open and its owner allows it; returns what ends it. */
export function sharePosition(crewId: string): () => void {
  if (!("geolocation" in navigator)) return () => {};
  positionState.value = "asking";
  let sentAtMs = 0;
  const watch = navigator.geolocation.watchPosition(
    ({ coords, timestamp }) => {
      const point: GeoPoint = {
        latitudeDeg: coords.latitude,
        longitudeDeg: coords.longitude,
        accuracyM: coords.accuracy,
      };
      lastPosition.value = point;
      positionState.value = "sending";
      if (Date.now() - sentAtMs < SEND_EVERY_MS) return;
      sentAtMs = Date.now();
      const body = { ...point, atMs: Math.round(timestamp) };
      void call("POST", `/crews/${encodeURIComponent(crewId)}/position`, { body }).catch(() => {
        sentAtMs = 0;
      });
    },
    ({ code }) => {
      positionState.value = code === GeolocationPositionError.PERMISSION_DENIED ? "refused" : "none";
    },
    { enableHighAccuracy: true, maximumAge: 5000, timeout: 30_000 },
  );
  return () => {
    navigator.geolocation.clearWatch(watch);
    positionState.value = "none";
  };
}

const EARTH_RADIUS_M = 6_371_008.8;

/** Great circle, metres. */
export function distanceM(a: GeoPoint, b: GeoPoint): number {
  const rad = Math.PI / 180;
  const dLat = (b.latitudeDeg - a.latitudeDeg) * rad;
  const dLon = (b.longitudeDeg - a.longitudeDeg) * rad;
  const h =
    Math.sin(dLat / 2) ** 2 + Math.cos(a.latitudeDeg * rad) * Math.cos(b.latitudeDeg * rad) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

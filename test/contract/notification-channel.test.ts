import { notificationChannelContract } from "./notification-channel.ts";

notificationChannelContract("crew-page");
notificationChannelContract("vehicle");
notificationChannelContract("radio-text");
notificationChannelContract("webhook");

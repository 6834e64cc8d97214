import process from "node:process";
import ModbusSerial from "modbus-serial";
import mqtt from "mqtt";

// As such scripts are usually written: a timer, a read, a publish; the library reconnects and queues in memory.
const [modbusPort, unit, mqttUrl, topic] = process.argv.slice(2);
const client = mqtt.connect(mqttUrl ?? "", { clientId: "naive", clean: false });
client.on("error", (error) => process.stderr.write(`${error.message}\n`));
// The types of modbus-serial name a default export; under Node it is the module itself.
const modbus = new (ModbusSerial as unknown as typeof ModbusSerial.default)();
await modbus.connectTCP("127.0.0.1", { port: Number(modbusPort) });
modbus.setID(Number(unit));
modbus.setTimeout(500);
setInterval(async () => {
  try {
    const { data } = await modbus.readHoldingRegisters(0, 1);
    client.publish(topic ?? "", JSON.stringify({ value: data[0], at: Date.now() }), { qos: 1 });
  } catch (error) {
    process.stderr.write(`${String(error)}\n`);
  }
}, 1000);

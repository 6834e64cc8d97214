# A Modbus TCP slave that we did not write (python3-pymodbus of Debian): unit 1, one holding register, 53.6 dB.
# Says on stdout when it was asked, in milliseconds of its own steady clock, a line each.
import asyncio
import sys
import time

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncTcpServer


class Timed(ModbusSequentialDataBlock):
    def getValues(self, address, count=1):
        print(f"{time.monotonic() * 1000:.3f}", flush=True)
        return super().getValues(address, count)


registers = ModbusSlaveContext(hr=Timed(0, [536] * 100), zero_mode=True)
context = ModbusServerContext(slaves={1: registers}, single=False)
asyncio.run(StartAsyncTcpServer(context=context, address=("127.0.0.1", int(sys.argv[1]))))

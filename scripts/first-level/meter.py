# A noise meter on Modbus TCP that we did not write (python3-pymodbus of Debian): unit 1, its one register says 53.6 dB.
import asyncio
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartAsyncTcpServer

registers = ModbusSlaveContext(hr=ModbusSequentialDataBlock(0, [536]), zero_mode=True)
context = ModbusServerContext(slaves={1: registers}, single=False)
asyncio.run(StartAsyncTcpServer(context=context, address=("127.0.0.1", int(sys.argv[1]))))

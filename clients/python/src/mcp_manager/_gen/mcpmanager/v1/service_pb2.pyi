from google.protobuf import struct_pb2 as _struct_pb2
from mcp_manager._gen.mcpmanager.v1 import api_key_pb2 as _api_key_pb2
from mcp_manager._gen.mcpmanager.v1 import config_diff_pb2 as _config_diff_pb2
from mcp_manager._gen.mcpmanager.v1 import deployment_pb2 as _deployment_pb2
from mcp_manager._gen.mcpmanager.v1 import event_pb2 as _event_pb2
from mcp_manager._gen.mcpmanager.v1 import health_pb2 as _health_pb2
from mcp_manager._gen.mcpmanager.v1 import import_config_pb2 as _import_config_pb2
from mcp_manager._gen.mcpmanager.v1 import messages_pb2 as _messages_pb2
from mcp_manager._gen.mcpmanager.v1 import replica_pb2 as _replica_pb2
from mcp_manager._gen.mcpmanager.v1 import revision_pb2 as _revision_pb2
from mcp_manager._gen.mcpmanager.v1 import secret_pb2 as _secret_pb2
from mcp_manager._gen.mcpmanager.v1 import server_pb2 as _server_pb2
from mcp_manager._gen.mcpmanager.v1 import server_messages_pb2 as _server_messages_pb2
from mcp_manager._gen.mcpmanager.v1 import webhook_pb2 as _webhook_pb2
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

// SPDX-License-Identifier: GPL-2.0-only
// Boost.Asio: more lines than the file takes at once, in one async_write; asio-write FILE LINES
#include <boost/asio.hpp>
#include <fcntl.h>
#include <string>

namespace asio = boost::asio;

int main(int, char *argv[])
{
	asio::io_context context;
	asio::posix::stream_descriptor file(context, open(argv[1], O_WRONLY));
	std::string text;

	for (int i = 1; i <= atoi(argv[2]); i++)
		text += std::to_string(i) + '\n';
	asio::async_write(file, asio::buffer(text), [](auto error, auto) {
		if (error)
			throw boost::system::system_error(error);
	});
	context.run();
}

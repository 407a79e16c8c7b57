// SPDX-License-Identifier: GPL-2.0-only
// Boost.Asio: a stream_descriptor, read line by line, and cancelled at the end; asio FILE LINES
#include <boost/asio.hpp>
#include <chrono>
#include <fcntl.h>
#include <iostream>
#include <string>

namespace asio = boost::asio;

struct Reader {
	asio::posix::stream_descriptor file;
	asio::steady_timer timer;
	std::string text;
	int left;

	void read()
	{
		asio::async_read_until(file, asio::dynamic_buffer(text), '\n', [this](auto error, auto size) {
			if (error == asio::error::operation_aborted || error == asio::error::eof)
				return;
			if (error)
				throw boost::system::system_error(error);
			std::cout << text.substr(0, size) << std::flush;
			text.erase(0, size);
			left--;
			read();
			if (!left)
				file.cancel();
		});
	}

	void wait()
	{
		timer.expires_after(std::chrono::milliseconds(10));
		timer.async_wait([this](auto) {
			std::cerr << "waits" << std::endl;
			if (!left)
				file.cancel();
		});
	}
};

int main(int, char *argv[])
{
	asio::io_context context;
	int fd = open(argv[1], O_RDONLY);
	Reader reader{ asio::posix::stream_descriptor(context, fd), asio::steady_timer(context), "", atoi(argv[2]) };

	reader.read();
	reader.wait();
	context.run();
}

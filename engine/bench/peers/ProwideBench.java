import com.prowidesoftware.swift.model.SwiftMessage;
import com.prowidesoftware.swift.model.Tag;
import com.prowidesoftware.swift.model.field.Field;
import java.io.DataInputStream;
import java.io.FileInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Prowide core reads messages one after the other, every field with all its components; prints messages a second. */
public final class ProwideBench {
    private static long read(String fin) throws Exception {
        SwiftMessage message = SwiftMessage.parse(fin);
        long length = message.getSender().length() + message.getReceiver().length() + message.getType().length();
        for (Tag tag : message.getBlock4().getTags()) {
            Field field = tag.asField();
            if (field == null) {
                continue;
            }
            for (int number = 1; number <= field.componentsSize(); number++) {
                String component = field.getComponent(number);
                length += component == null ? 0 : component.length();
            }
        }
        return length;
    }

    /** Arguments: file of messages (length as four bytes, then the message), seconds a round, rounds. */
    public static void main(String[] arguments) throws Exception {
        List<String> messages = new ArrayList<>();
        try (DataInputStream in = new DataInputStream(new FileInputStream(arguments[0]))) {
            while (in.available() > 0) {
                byte[] bytes = new byte[in.readInt()];
                in.readFully(bytes);
                messages.add(new String(bytes, StandardCharsets.ISO_8859_1));
            }
        }
        double seconds = Double.parseDouble(arguments[1]);
        double best = 0;
        long sum = 0;
        // The first two rounds are for the compiler.
        for (int round = 0; round < Integer.parseInt(arguments[2]) + 2; round++) {
            long began = System.nanoTime();
            long until = began + (long) (seconds * 1e9);
            long done = 0;
            while (System.nanoTime() < until) {
                for (int each = 0; each < 50; each++) {
                    sum += read(messages.get((int) (done++ % messages.size())));
                }
            }
            if (round >= 2) {
                best = Math.max(best, done / ((System.nanoTime() - began) / 1e9));
            }
        }
        System.out.println(best + " " + sum);
    }
}
